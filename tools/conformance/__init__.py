"""`make conformance`: the test suites of agent frameworks, as they are, on our stores.

A framework is one module of `tools.conformance.frameworks`: the value `SUITE` says which packages
it needs and which of its tests run, and the function `install` puts our store in the place of the
framework's own. To add one, write that module and name it in `tools.conformance.run.FRAMEWORKS`.

`suite.py` has the values, `environment.py` makes an environment and unpacks the sources,
`plugin.py` runs inside pytest in that environment, and `run.py` is the command.
"""
