"""A script per client and colour, run by that client's own interpreter.

A script may import the standard library, the client it is about, what of `tools.bench`
needs no more, and, where it is about a raw loop, that loop's library: its environment
has nothing else. A client that the bench's own environment does not have is imported by
its name, and described by as much of it as is used.

Limits and timeouts are the same for all. A pool may open exactly as many connections as
there are requests at once (and idle ones beside). Where a scenario has timeouts, as all
async ones do, each client gets them its own way: for connecting, reading and, where it
knows that, writing and waiting for the pool. The raw asyncio loop has none, because
there they need not cost anything; the raw loops of trio and anyio have theirs, because
those libraries have no timeout without a scope.
"""
