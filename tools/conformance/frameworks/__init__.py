"""The frameworks whose suites run on our stores: one module each, with `SUITE` and `install`."""
