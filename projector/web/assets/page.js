// Each page works without this: it adds keys, lists that continue, and what is appended meanwhile.
import { again } from "./again.js";
import { instant } from "./instant.js";
import { keys } from "./keys.js";
import { lists } from "./lists.js";
import { live } from "./live.js";
import { palette } from "./palette.js";
import { session } from "./session.js";

keys();
again();
lists();
instant();
session();
live();
palette();
