"""What decides about releases: versions, changelogs, ranges, and what is refused."""

import datetime
import pathlib
import re

import pytest

from tools.release import archives, bump, changelog, ranges, uses
from tools.release.api import Changes
from tools.release.bump import Facts, Plan
from tools.release.distribution import Distribution, find, find_tagged
from tools.release.error import ReleaseError
from tools.release.version import Part, Version, is_enough

TODAY = datetime.date(2030, 12, 31)
CHANGELOG = """# Changelog

What users notice.

## Unreleased

### Added

- A name.

## 0.1.0 - 2030-01-01

### Added

- The first release.
"""
NO_ENTRIES = "# Changelog\n\n## Unreleased\n\n## 0.1.0 - 2030-01-01\n\n- The first release.\n"


def distribution(
    name: str,
    version: str = "0.1.0",
    requires: str = "",
    text: str = CHANGELOG,
) -> Distribution:
    return Distribution(
        folder=pathlib.Path("packages") / name.removeprefix("httpcore-"),
        name=name,
        module=name.replace("-", "_"),
        version=Version.parse(version),
        pyproject=f"dependencies = [{requires}]\n",
        changelog=text,
        init=f'"""It."""\n\n__version__ = "{version}"\n',
    )


BASE = distribution("httpcore-base")
USER = distribution("httpcore-user", requires='"httpcore-base>=0.1,<1", "h11>=0.16"')
OTHER = distribution("httpcore-other", requires='"httpcore-base[http2]>=0.1,<1"')
STRANGER = distribution("httpcore-stranger")
ALL = {one.name: one for one in (BASE, USER, OTHER, STRANGER)}
RELEASED = (Version(0, 1, 0),)


def plan(
    part: Part,
    *,
    base: Distribution = BASE,
    facts: Facts | None = None,
    raised: frozenset[str] = frozenset(),
) -> Plan:
    if facts is None:
        facts = Facts(releases=RELEASED)
    return bump.plan({**ALL, base.name: base}, base, part, facts, TODAY, raised)


@pytest.mark.parametrize(
    "text", ["1", "1.2", "1.2.3.4", "1.2.x", "01.2.3", "1.2.3rc1", "", "\u0663.1.2"]
)
def test_version_has_three_numbers(text: str) -> None:
    with pytest.raises(ReleaseError, match=r"is no version of three numbers"):
        Version.parse(text)


@pytest.mark.parametrize(
    ("part", "bumped"), [("major", "2.0.0"), ("minor", "1.3.0"), ("patch", "1.2.4")]
)
def test_version_is_bumped(part: Part, bumped: str) -> None:
    assert str(Version(1, 2, 3).bumped(part)) == bumped


def test_versions_are_ordered_by_number() -> None:
    assert Version.parse("0.10.0") > Version.parse("0.9.9")


@pytest.mark.parametrize(
    ("version", "breaks", "adds", "least"),
    [
        ("1.2.3", True, True, "major"),
        ("1.2.3", False, True, "minor"),
        ("1.2.3", False, False, "patch"),
        ("0.2.3", True, True, "minor"),
        ("0.2.3", False, True, "patch"),
        ("0.2.3", False, False, "patch"),
    ],
)
def test_semver_names_the_least_part(
    version: str, breaks: bool, adds: bool, least: str
) -> None:
    assert Version.parse(version).least_part(breaks=breaks, adds=adds) == least


def test_larger_parts_are_enough() -> None:
    assert is_enough("major", "patch")
    assert is_enough("minor", "minor")
    assert not is_enough("patch", "minor")


def test_unreleased_becomes_a_version() -> None:
    text = changelog.released(CHANGELOG, Version(0, 2, 0), TODAY)
    assert text == CHANGELOG.replace(
        "## Unreleased\n", "## Unreleased\n\n## 0.2.0 - 2030-12-31\n"
    )
    assert not changelog.has_entries(text)
    assert changelog.notes(text, Version(0, 2, 0)) == "### Added\n\n- A name."
    assert changelog.notes(text, Version(0, 1, 0)) == "### Added\n\n- The first release."


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        (NO_ENTRIES, "has no entries under Unreleased"),
        ("# Changelog\n\n## Unreleased\n\n### Added\n", "has no entries under Unreleased"),
        ("# Changelog\n", "has no section '## Unreleased'"),
        (CHANGELOG.replace("0.1.0", "0.2.0"), "has a section for 0.2.0 already"),
    ],
)
def test_changelog_that_is_not_ready_is_refused(text: str, reason: str) -> None:
    with pytest.raises(ReleaseError, match=reason):
        changelog.released(text, Version(0, 2, 0), TODAY)


def test_version_without_a_section_has_no_notes() -> None:
    with pytest.raises(ReleaseError, match=re.escape("has no section for 0.1.1")):
        changelog.notes(CHANGELOG, Version(0, 1, 1))


def test_change_is_added_in_its_place() -> None:
    text = changelog.with_change(CHANGELOG, "It requires more.")
    assert text == CHANGELOG.replace(
        "- A name.\n", "- A name.\n\n### Changed\n\n- It requires more.\n"
    )
    assert changelog.with_change(text, "It requires more.") == text
    again = changelog.with_change(text, "And more.")
    assert again == text.replace("- It requires more.\n", "- It requires more.\n- And more.\n")


def test_change_is_added_to_an_empty_section() -> None:
    text = changelog.with_change(NO_ENTRIES, "It requires more.")
    assert text == NO_ENTRIES.replace(
        "## Unreleased\n", "## Unreleased\n\n### Changed\n\n- It requires more.\n"
    )
    last = changelog.with_change("# Changelog\n\n## Unreleased\n", "It requires more.")
    assert last == "# Changelog\n\n## Unreleased\n\n### Changed\n\n- It requires more.\n"


def test_ranges_are_found_and_replaced_everywhere() -> None:
    text = 'a = ["httpcore-base>=0.1,<1", "httpcore-base-more>=0.1,<1"]\n'
    text += 'b = ["httpcore-base[http2]>=0.1,<1"]\n'
    assert ranges.range_of(text, "httpcore-base") == ">=0.1,<1"
    assert ranges.range_of(text, "httpcore") is None
    assert ranges.replaced(text, "httpcore-base", ">=0.2,<1") == (
        'a = ["httpcore-base>=0.2,<1", "httpcore-base-more>=0.1,<1"]\n'
        'b = ["httpcore-base[http2]>=0.2,<1"]\n'
    )


@pytest.mark.parametrize(
    ("version", "versions"),
    [("0.2.0", ">=0.2,<1"), ("0.2.1", ">=0.2.1,<1"), ("1.0.0", ">=1.0,<2")],
)
def test_range_ends_with_the_major_version(version: str, versions: str) -> None:
    assert ranges.range_from(Version.parse(version)) == versions


@pytest.mark.parametrize(
    ("requirement", "fault"),
    [
        ("httpcore-base<1,>=0.1", ""),
        ("httpcore_base[http2]<1,>=0.1; extra == 'http2'", ""),
        ("h11==0.16", ""),
        ("httpcore-base==0.1.0", "by a range"),
        ("httpcore-base", "by a range"),
        ("httpcore-base>=0.1", "by a range"),
        ("httpcore-base<1,>=0.2", "leaves out 0.1.0"),
    ],
)
def test_members_are_required_by_range(requirement: str, fault: str) -> None:
    faults = ranges.find_faults(requirement, {"httpcore-base": Version(0, 1, 0)})
    assert len(faults) == bool(fault)
    assert fault in "".join(faults)


def test_names_that_are_imported_are_found() -> None:
    sources = [
        "from base import A, B as C\nfrom base.sub import D\nfrom other import E\n",
        "import base\n\ndef f():\n    from base import F\n    return base.G, other.H\n",
    ]
    assert uses.imported_names(sources, "base") == {"A", "B", "F", "G"}


def test_bump_changes_the_version_and_the_changelog_only() -> None:
    done = plan("minor")
    assert done.version == Version(0, 2, 0)
    assert set(done.files) == {
        pathlib.Path("packages/base/src/httpcore_base/__init__.py"),
        pathlib.Path("packages/base/CHANGELOG.md"),
    }
    assert done.files[BASE.init_path] == '"""It."""\n\n__version__ = "0.2.0"\n'
    assert done.remarks == ("httpcore-base 0.2.0",)


def test_first_release_keeps_its_version() -> None:
    text = "# Changelog\n\n## Unreleased\n\n- The first release.\n"
    new = distribution("httpcore-base", text=text)
    assert bump.plan(ALL, new, "first", Facts(), TODAY).version == new.version
    with pytest.raises(ReleaseError, match=r"has a release already: httpcore-base-v0\.1\.0"):
        bump.plan(ALL, BASE, "first", Facts(releases=RELEASED), TODAY)


def test_lower_bound_rises_where_new_names_are_used() -> None:
    facts = Facts(releases=RELEASED, new_names={"httpcore-user": {"New"}})
    done = plan("minor", facts=facts)
    assert '"httpcore-base>=0.2,<1", "h11>=0.16"' in done.files[USER.folder / "pyproject.toml"]
    text = done.files[USER.folder / "CHANGELOG.md"]
    assert "- It requires `httpcore-base>=0.2,<1`.\n" in text
    assert OTHER.folder / "pyproject.toml" not in done.files
    assert "httpcore-user requires httpcore-base>=0.2,<1: it uses New" in done.remarks


def test_lower_bound_rises_where_that_is_asked_for() -> None:
    done = plan("patch", raised=frozenset({"httpcore-other"}))
    path = OTHER.folder / "pyproject.toml"
    assert '"httpcore-base[http2]>=0.1.1,<1"' in done.files[path]
    assert USER.folder / "pyproject.toml" not in done.files
    with pytest.raises(ReleaseError, match="httpcore-stranger does not require httpcore-base"):
        plan("patch", raised=frozenset({"httpcore-stranger"}))


def test_range_that_is_left_ends_later_and_begins_where_it_did() -> None:
    done = plan("major")
    for user in (USER, OTHER):
        assert ">=0.1,<2" in done.files[user.folder / "pyproject.toml"]


BROKEN = Facts(releases=RELEASED, changes=Changes(("base.f: gone",), frozenset({"New"})))


def test_break_takes_a_minor_version_before_1_0() -> None:
    with pytest.raises(ReleaseError, match=r"base.f: gone.*takes `bump base minor`"):
        plan("patch", facts=BROKEN)
    done = plan("minor", facts=BROKEN)
    assert "breaks base.f: gone" in done.remarks
    assert [line for line in done.remarks if line.startswith("httpcore-user takes 0.2.0")]


def test_break_takes_a_major_version_since_1_0() -> None:
    one = distribution("httpcore-base", "1.1.0")
    facts = Facts(releases=(Version(1, 1, 0),), changes=BROKEN.changes)
    for part in ("patch", "minor"):
        with pytest.raises(ReleaseError, match="takes `bump base major`"):
            plan(part, base=one, facts=facts)
    assert plan("major", base=one, facts=facts).version == Version(2, 0, 0)


def test_addition_takes_a_minor_version_since_1_0() -> None:
    one = distribution("httpcore-base", "1.1.0")
    facts = Facts(releases=(Version(1, 1, 0),), changes=Changes((), frozenset({"New"})))
    with pytest.raises(ReleaseError, match=r"adds to .*\(New\).*takes `bump base minor`"):
        plan("patch", base=one, facts=facts)
    assert plan("minor", base=one, facts=facts).version == Version(1, 2, 0)


@pytest.mark.parametrize(
    ("facts", "reason"),
    [
        (Facts(tuple("abcde"), RELEASED), r"not all is committed: a, b, c and 2 more"),
        (Facts(), "has no release yet: `bump base first` makes it 0.1.0"),
        (
            Facts(releases=(Version(0, 0, 9),)),
            r"tag httpcore-base-v0\.0\.9 is not the version of httpcore-base, which is 0\.1\.0",
        ),
        (
            Facts(releases=RELEASED, unreleased={"httpcore-other": {"New"}}),
            r"uses what no release of httpcore-other has \(New\): bump other before",
        ),
    ],
)
def test_bump_is_refused(facts: Facts, reason: str) -> None:
    with pytest.raises(ReleaseError, match=reason) as refused:
        plan("minor", facts=facts)
    assert "\n" not in str(refused.value)


def test_tag_that_exists_is_not_made_again() -> None:
    facts = Facts(releases=(Version(0, 1, 1), Version(0, 1, 0)))
    with pytest.raises(ReleaseError, match=r"the tag httpcore-base-v0\.1\.1 exists"):
        plan("patch", facts=facts)


def test_distribution_is_found_by_either_name() -> None:
    assert find(ALL, "base") is find(ALL, "httpcore-base") is BASE
    with pytest.raises(ReleaseError, match="'nobody', only base, user, other, stranger"):
        find(ALL, "nobody")


@pytest.mark.parametrize(
    ("tag", "reason"),
    [
        ("httpcore-base-v0.2.0", "is not the version of httpcore-base, which is 0.1.0"),
        ("httpcore-base-0.1.0", "is not of the form"),
        ("v0.1.0", "is not of the form"),
        ("httpcore-nobody-v0.1.0", "is not of the form"),
        ("httpcore-base-v0.1", "is not of the form"),
    ],
)
def test_tag_has_to_be_the_version(tag: str, reason: str) -> None:
    assert find_tagged(ALL, "httpcore-base-v0.1.0") is BASE
    with pytest.raises(ReleaseError, match=reason):
        find_tagged(ALL, tag)


TRACKED = [
    pathlib.Path(name)
    for name in (
        *("LICENSE", "README.md", "pyproject.toml", "tests/test_base.py"),
        *("src/httpcore_base/__init__.py", "src/httpcore_base/py.typed"),
    )
]
INFORMATION = "httpcore_base-0.1.0.dist-info"
WHEEL = [
    *("httpcore_base/__init__.py", "httpcore_base/py.typed"),
    *(f"{INFORMATION}/{name}" for name in ("METADATA", "RECORD", "WHEEL", "licenses/LICENSE")),
]


def test_wheel_has_the_modules_and_nothing_else() -> None:
    assert archives.wheel_faults(WHEEL, BASE, TRACKED) == []


@pytest.mark.parametrize("name", WHEEL)
def test_file_that_a_wheel_lacks_is_found(name: str) -> None:
    names = [other for other in WHEEL if other != name]
    assert archives.wheel_faults(names, BASE, TRACKED) == [f"lacks {name}"]


def test_py_typed_is_missed_though_git_has_none() -> None:
    names = [name for name in WHEEL if not name.endswith("py.typed")]
    tracked = [path for path in TRACKED if path.name != "py.typed"]
    assert archives.wheel_faults(names, BASE, tracked) == ["lacks httpcore_base/py.typed"]


@pytest.mark.parametrize("name", ["tests/test_base.py", "httpcore_base/notes.txt", "stray.py"])
def test_stray_file_in_a_wheel_is_found(name: str) -> None:
    [fault] = archives.wheel_faults([*WHEEL, name], BASE, TRACKED)
    assert fault == f"has {name}, which does not belong there"


def test_sdist_has_all_that_git_knows() -> None:
    names = [f"httpcore_base-0.1.0/{path}" for path in (*TRACKED, "PKG-INFO", ".gitignore")]
    assert archives.sdist_faults(names, BASE, TRACKED) == []
    [fault] = archives.sdist_faults(names[1:], BASE, TRACKED)
    assert fault == "lacks httpcore_base-0.1.0/LICENSE"


METADATA = """Metadata-Version: 2.4
Name: httpcore-base
Version: 0.1.0
Summary: It.
License-Expression: BSD-3-Clause
License-File: LICENSE
Keywords: http
Classifier: Typing :: Typed
Project-URL: Source, https://example.com
Requires-Python: >=3.11
Requires-Dist: httpcore-user<1,>=0.1
Requires-Dist: h11==0.16.0
Description-Content-Type: text/markdown

# It
"""
VERSIONS = {one.name: one.version for one in ALL.values()}


def test_metadata_is_complete() -> None:
    assert archives.metadata_faults(METADATA, BASE, VERSIONS) == []


@pytest.mark.parametrize(
    ("old", "new", "fault"),
    [
        ("Version: 0.1.0", "Version: 0.2.0", "Version is '0.2.0', not '0.1.0'"),
        ("Requires-Python: >=3.11\n", "", "Requires-Python is None, not '>=3.11'"),
        ("License-File: LICENSE\n", "", "License-File is None, not 'LICENSE'"),
        ("Summary: It.\n", "", "no Summary"),
        ("Project-URL: Source, https://example.com\n", "", "no Project-URL"),
        (
            "httpcore-user<1,>=0.1",
            "httpcore-user==0.1.0",
            "httpcore-user==0.1.0: a member is required by a range such as >=0.1,<1",
        ),
    ],
)
def test_fault_of_metadata_is_found(old: str, new: str, fault: str) -> None:
    assert archives.metadata_faults(METADATA.replace(old, new), BASE, VERSIONS) == [fault]


def test_checksums_are_sorted_by_name() -> None:
    assert archives.checksums({"b": "22", "a": "11"}) == "11  a\n22  b\n"


def test_tag_to_push_is_told() -> None:
    tag = "httpcore-base-v0.1.0"
    told = archives.headline(BASE, [], is_ahead=False)
    assert told == f"git tag {tag} && git push origin {tag}"
    assert archives.headline(BASE, RELEASED, is_ahead=False) == f"git push origin {tag}"
    told = archives.headline(BASE, RELEASED, is_ahead=True)
    assert told == f"{tag} is of another commit: bump base before a release"
