# SPDX-License-Identifier: Apache-2.0
"""A PostgreSQL of a test's own: in a temporary folder, on a socket in it, and gone with the test.

DUNLIN_POSTGRES_BIN names the folder of initdb and postgres; without it `available` is false. Root may
not run a server, so it is then run as user `postgres`, whom Debian's package makes. Its disk is synced
only if asked for: what a test kills is the server, not the machine.
"""

import os
import pwd
import select
import shutil
import signal
import subprocess
import tempfile
import time

WAIT_SECONDS_MAX = 60


def available():
    return "DUNLIN_POSTGRES_BIN" in os.environ


class Postgres:
    def __init__(self, *settings):
        self._settings = settings
        self._server = None
        self.folder = tempfile.mkdtemp(prefix="dunlin-postgres-")
        self._data = os.path.join(self.folder, "db")
        try:
            if os.geteuid() == 0:
                user = pwd.getpwnam("postgres")
                os.chown(self.folder, user.pw_uid, user.pw_gid)
            self._run("initdb", "-D", self._data, "-U", "dunlin", "-A", "trust", "-E", "UTF8",
                      "--locale=C", "--no-sync")
            # A user whose password counts.
            rules = os.path.join(self._data, "pg_hba.conf")
            with open(rules, encoding="utf-8") as file:
                text = file.read()
            with open(rules, "w", encoding="utf-8") as file:
                file.write("local all guarded scram-sha-256\n" + text)
            self.start()
        except BaseException:
            self.close()
            raise

    def start(self):
        """Returns when it takes connections."""
        command = self._as_server("postgres", "-D", self._data, "-k", self.folder,
                                  "-c", "listen_addresses=", "-c", "fsync=off",
                                  "-c", "log_min_messages=log",
                                  *(word for each in self._settings for word in ("-c", each)))
        self._server = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
                                        stdin=subprocess.DEVNULL)
        deadline = time.monotonic() + WAIT_SECONDS_MAX
        said = b""
        while b"ready to accept connections" not in said:
            left = deadline - time.monotonic()
            ready, _, _ = select.select([self._server.stdout], [], [], max(left, 0))
            chunk = os.read(self._server.stdout.fileno(), 65536) if ready else b""
            if not chunk:
                raise AssertionError(f"postgres does not start: {said!r}")
            said += chunk
        # What it says from now on is nobody's, and must not fill the pipe.
        self._drain = subprocess.Popen(["/bin/cat"], stdin=self._server.stdout,
                                       stdout=subprocess.DEVNULL)

    def stop(self, how=signal.SIGQUIT):
        """At once, as if its machine had crashed; SIGINT: it ends its connections first."""
        if self._server is None:
            return
        self._server.send_signal(how)
        self._server.wait(WAIT_SECONDS_MAX)
        self._drain.wait(WAIT_SECONDS_MAX)
        self._server.stdout.close()
        self._server = None

    def url(self, database="postgres", user="dunlin"):
        return f"postgres://{user}@/{database}?host={self.folder}"

    def sql(self, text, database="postgres"):
        """What it answers, without heads; columns are separated by |."""
        ran = subprocess.run([self._bin("psql"), "-X", "-q", "-t", "-A", "-v", "ON_ERROR_STOP=1",
                              "-h", self.folder, "-U", "dunlin", "-d", database, "-c", text],
                             capture_output=True, text=True, timeout=WAIT_SECONDS_MAX, check=False)
        if ran.returncode != 0:
            raise AssertionError(f"{text}: {ran.stderr}")
        return ran.stdout.strip()

    def database(self, name):
        """A new one. Gives its URL."""
        self.sql(f"create database {name}")
        return self.url(name)

    def close(self):
        self.stop()
        shutil.rmtree(self.folder, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    @staticmethod
    def _bin(program):
        return os.path.join(os.environ["DUNLIN_POSTGRES_BIN"], program)

    def _as_server(self, program, *arguments):
        """It ends when the test does, in whatever way."""
        who = ["--reuid=postgres", "--regid=postgres", "--clear-groups"] if os.geteuid() == 0 else []
        return ["setpriv", *who, "--pdeathsig", "KILL", self._bin(program), *arguments]

    def _run(self, program, *arguments):
        ran = subprocess.run(self._as_server(program, *arguments), capture_output=True, text=True,
                             timeout=WAIT_SECONDS_MAX, check=False)
        if ran.returncode != 0:
            raise AssertionError(f"{program}: {ran.stdout}{ran.stderr}")
