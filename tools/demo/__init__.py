"""Every backend and protocol of the project at work: `python -m tools.demo`.

It needs no network: an embedded server answers on the loopback, plain and TLS.

    cases       the table of what is shown; what a later package adds goes here
    server      the embedded server
    timeline    when things happened, as the `trace` extension tells it
    report      the table that is printed
"""
