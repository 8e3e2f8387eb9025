"""The week's report by mail, for who has asked for it."""
