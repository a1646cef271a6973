"""One real request from the command line: `python -m tools.fetch URL`.

From the user to the wire:

    program      exit codes
    arguments    the command line, as a value
    target       the URL, checked and put in order
    proxy        that of the proxy, likewise
    exchange     the request sent, the response printed
    failures     what went wrong, in one line
"""
