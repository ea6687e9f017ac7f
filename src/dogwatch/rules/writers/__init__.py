"""Rules written back as files, from which the same rules are read again.

Comments and the layout of the files that the rules came from are not kept.
"""
