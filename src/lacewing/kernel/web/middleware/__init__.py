"""Pure ASGI middleware, each a few microseconds; their order stands in ``main``."""
