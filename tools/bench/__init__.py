"""Speed of HTTP clients, measured side by side: `python -m tools.bench`.

A server runs on one core, a client in a process of its own on another; every
client takes its turn in every round, so what drifts hits all alike. What
counts is the ratio to the raw socket loop of the same run.

Read in this order:

    clients/     a script per client, which needs only that client
    measure      what runs in the client's process: warm up, count, time
    registry     which clients there are, and the environment of each
    scenarios    what they are asked to do
    embedded     a small server of our own: uploads, idle origins
    servers      nginx and the embedded server, started and stopped
    rounds       one scenario: every client, every round
    report       medians, ratios, tables
"""
