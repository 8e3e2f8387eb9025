"""The review desk: the pages of the back office on which people decide."""
