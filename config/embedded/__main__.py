"""`python -m config.embedded [HOME]`: both servers until interrupted, for work on the code without `make up`."""

import os
import signal
import sys
import threading
from pathlib import Path

from config.embedded import EmbeddedError, Postgres, Redis


def main() -> int:
    home = Path(sys.argv[1] if len(sys.argv) > 1 else os.environ.get("APPRENTICE_HOME") or "var").expanduser().resolve()
    postgres, redis = Postgres(home), Redis(home)
    over = threading.Event()
    for number in (signal.SIGINT, signal.SIGTERM):
        signal.signal(number, lambda *_: over.set())
    try:
        lines = [f"export DATABASE_URL='{postgres.start()}'", f"export REDIS_URL='{redis.start()}'"]
        sys.stdout.write("\n".join([*lines, f"export APPRENTICE_HOME='{home}'", ""]))
        sys.stdout.flush()
        over.wait()
    except EmbeddedError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    finally:
        redis.stop()
        postgres.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
