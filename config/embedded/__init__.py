"""PostgreSQL with pgvector and Redis as children of this process, from Python wheels alone. No Django here.

    postgres = Postgres(home); url = postgres.start(); ...; postgres.stop()

Everything lies in `home`: postgres/ and redis/ (data), logs/, secrets/, and run/ with the sockets. Nothing listens on
TCP. The children die with this process, whatever ends it.
"""

from config.embedded.paths import AlreadyRunning, EmbeddedError, runtime_folder
from config.embedded.postgres import Postgres, database_url
from config.embedded.redis import Redis, broker_url

__all__ = ["AlreadyRunning", "EmbeddedError", "Postgres", "Redis", "broker_url", "database_url", "runtime_folder"]
