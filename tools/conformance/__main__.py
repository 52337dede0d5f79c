"""`python -m tools.conformance`."""

import sys

from tools.conformance.run import main

if __name__ == "__main__":
    sys.exit(main())
