"""Speed of HTTP clients, measured side by side: `python -m tools.bench`.

A server runs on one core, a client in a process of its own on another; every
client takes its turn in every round, so what drifts hits all alike. What
counts is the ratio to the raw loop of the same run: blocking, or that of the same
event loop.

Read in this order:

    clients/       a script per client and colour, which needs only that client
    task           what the runner and a client's process tell each other
    warm_up        how often the operation is done before it counts, and then
    measure        what runs in a blocking client's process: warm up, count, time
    loops          the event loops: how each runs a program, and many tasks at once
    measure_async  what runs in an async client's process
    framing        the least that a raw loop has to know of HTTP
    scenarios      what clients are asked to do
    registry       which clients there are, and the environment of each
    embedded       a small server of our own: uploads, idle origins
    servers        nginx and the embedded server, started and stopped
    rounds         scenarios: every client, every round
    report         medians, ratios, tables
    flatness       how time per request grows with the number at once
    options        the command line
"""
