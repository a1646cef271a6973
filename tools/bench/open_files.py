"""How many files, sockets among them, a process may have open."""

import resource


def allow_open_files(count: int) -> None:
    """Let this process, and those that it starts, have that many files open.

    Raises:
        ValueError: It is more than the hard limit, which only an administrator raises.
    """
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard != resource.RLIM_INFINITY and hard < count:
        raise ValueError(f"{count} open files are needed, and only {hard} are allowed")
    if soft != resource.RLIM_INFINITY and soft < count:
        resource.setrlimit(resource.RLIMIT_NOFILE, (count, hard))
