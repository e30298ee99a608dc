"""`make bench`: speed beside Postfix, as ratios on the same machine and disk, both durable, rounds in turn.

    NAME: ours=X peer=Y ratio=R wanted=W ok|short

Medians of the rounds. Exit status 1 when a figure falls short or could not be taken. The report with the rounds, the limits of the
machine, versions, CPU by program and the load's own share goes to var/bench-report.md.

load.py drives the generator of tests/load; house.py is ours, postfix.py and its filters the peers; accept.py, letters.py and
their neighbours hold the figures; __main__.py is the command.
"""
