// Each page works without this: it adds keys, lists that continue, and what is appended meanwhile.
import { keys } from "./keys.js";
import { lists } from "./lists.js";
import { live } from "./live.js";
import { palette } from "./palette.js";
import { session } from "./session.js";

keys();
lists();
session();
live();
palette();
