"""The commands, one file each. What they show is said here, what is true is found out below."""
