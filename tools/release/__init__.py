"""Releases of each distribution by itself; nothing is published from here.

    hatch run release show
    hatch run release bump pool minor
    hatch run release build pool

error.py          the one error: a line for whoever asked
parser.py         arguments, which are refused like all else
version.py        versions, and what a bump may do to an API
changelog.py      the text of a changelog
ranges.py         what members require of each other, in the text of a pyproject.toml
uses.py           which names of a sibling some source imports
api.py            public names and what broke of them, by griffe
distribution.py   the distributions of this repository, as their files tell
repository.py     what git tells
facts.py          what a bump has to know, read from git and the last release
bump.py           what a bump changes: decided without a file or git at hand
archives.py       what has to be in a wheel, in a source distribution and in its metadata
build.py          the two archives of a distribution, made and checked
show.py           the table of what there is to release

`version`, `changelog`, `ranges`, `uses`, `bump` and `archives` are pure: texts and values in,
texts and values out.
"""
