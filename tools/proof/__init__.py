"""The proof that the distributions are independent: their wheels, in fresh environments.

    hatch run proof
    hatch run proof pool sync --wheels dist

wheels.py        the wheels to prove, and what they declare
environment.py   a fresh environment, made by uv
alone.py         one wheel with only what it declares: its modules, then its own tests
together.py      what users install together: real requests
lowest.py        the lowest versions that are declared
oldest.py        the newest of each with the oldest siblings that its range allows
server.py        what requests go to
claim.py         one thing to prove
claims.py        all that is to be proven
inside/          the programs that run in those environments; they import nothing from here
"""
