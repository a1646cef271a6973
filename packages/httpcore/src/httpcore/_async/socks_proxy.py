"""For programs that ask what kind of pool they have."""

from httpcore import AsyncSOCKSProxy as AsyncSOCKSProxy
