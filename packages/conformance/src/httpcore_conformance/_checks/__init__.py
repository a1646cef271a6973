"""The checks, in groups: a noun each, as classes to be composed."""
