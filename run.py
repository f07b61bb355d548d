#!/usr/bin/env python3
"""Set up and run, with nothing but Python 3.11 to 3.13: `python3 run.py demo`, `python3 run.py test`.

Every Python can read this file, 2.7 too, so that one which is too old is told what is needed. The folder runner/ has
the rest.
"""

import sys

if not (3, 11) <= sys.version_info[:2] <= (3, 13):
    needed = "Python 3.11 or later is needed" if sys.version_info < (3, 11) else "Python 3.11 to 3.13 is needed"
    sys.exit("run.py: %s; this is %d.%d (%s)" % ((needed,) + sys.version_info[:2] + (sys.executable,)))  # noqa: RUF005, UP031

from runner.commands import main

sys.exit(main(sys.argv[1:]))
