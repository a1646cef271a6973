"""The tests of what is built on httpcore 1.x, on that and on this one.

`python -m tools.suites [NAME ...]` takes them from source distributions and runs them
on 1.0.9 and on wheels of these packages, where no network but loopback can be reached.

    projects       whose tests, what they need, and what of them is left out
    sources        source distributions, of which only the tests are unpacked
    environments   one for each project and httpcore, and the wheels
    runs           pytest in such an environment, without a network
    loopback       what a run is begun by, so that it has none
    junit          what pytest wrote of a run, as outcomes
    comparison     what differs between runs on the two, and what by itself
    report         that as Markdown
    options        the command line
"""
