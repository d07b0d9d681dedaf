"""Rows that are known to fail: what is open, and what would close it. A row that passes again is told, so
that it leaves this list. docs/security-findings.md says the same for people."""

OPEN = {
    "B1": "an input replaced by a folder is not among deleted_files",
    "B4": "collecting large sparse files keeps a small run waiting: a lane of its own for large ones",
    "B8": "bodies of senders who are not known yet have no common budget in memory",
    "B9": "admission counts runs that wait, not the bytes of their requests",
    "F10d": "slow senders of large uploads hold the two threads for streams: spool without a thread",
}
