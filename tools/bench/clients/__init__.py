"""One script per client, run by that client's own interpreter.

A script may import the standard library, the client it is about and
`tools.bench.measure`, nothing else: its environment has nothing else.
"""
