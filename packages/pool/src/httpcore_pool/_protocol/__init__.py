"""What travels on the wire: bytes in, events out, events in, bytes out.

Pure: nothing here knows a socket, a clock, a lock or a pool, and nothing waits.
"""
