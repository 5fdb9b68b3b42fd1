"""A PostgreSQL server of our own, in a temporary folder, on loopback."""
import glob
import os
import pathlib
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time


class Postgres:
    """start, kill (SIGKILL) and start again; url leads to its
    database usher. PostgreSQL does not run as root, so root runs it as somebody."""

    def __init__(self, *settings):
        found = sorted(glob.glob("/usr/lib/postgresql/*/bin"), key=lambda p: int(p.split("/")[-2]))
        self.bin = found[-1] if found else os.path.dirname(shutil.which("postgres") or sys.exit("there is no postgres on this machine"))
        self.dir = tempfile.mkdtemp(prefix="usher-pg-")
        with socket.socket() as s:
            s.bind(("127.0.0.1", 0))
            self.port = s.getsockname()[1]
        self.url = f"postgres://usher@127.0.0.1:{self.port}/usher"
        self.settings = [x for s in settings for x in ("-c", s)]
        if os.geteuid() == 0:
            shutil.chown(self.dir, "nobody")
        self.run("initdb", "-D", self.data, "-A", "trust", "-U", "usher", "-E", "UTF8", "--locale", "C.UTF-8")
        self.start()
        self.psql("create database usher", "postgres")

    @property
    def data(self):
        return os.path.join(self.dir, "data")

    def command(self, name, *args):
        who = ["setpriv", "--reuid=nobody", "--regid=nogroup", "--clear-groups"] if os.geteuid() == 0 else []
        return [*who, os.path.join(self.bin, name), *args]

    def run(self, name, *args):
        subprocess.run(self.command(name, *args), check=True, capture_output=True, text=True, cwd="/")

    def psql(self, text, database="usher"):
        return subprocess.run([os.path.join(self.bin, "psql"), "-qAtX", "-v", "ON_ERROR_STOP=1", "-c", text, self.url.rsplit("/", 1)[0] + "/" + database],
                              check=True, capture_output=True, text=True).stdout.strip()

    def start(self):
        log = open(os.path.join(self.dir, "log"), "ab")
        self.process = subprocess.Popen(
            self.command("postgres", "-D", self.data, "-p", str(self.port), "-h", "127.0.0.1", "-k", self.dir, *self.settings),
            stdout=log, stderr=log, cwd="/")
        end = time.monotonic() + 60
        while subprocess.run([os.path.join(self.bin, "pg_isready"), "-q", "-h", "127.0.0.1", "-p", str(self.port)]).returncode:
            if time.monotonic() > end or self.process.poll() is not None:
                print(pathlib.Path(self.dir, "log").read_text()[-2000:])
                sys.exit("PostgreSQL does not start")
            time.sleep(0.02)

    def kill(self):
        """A crash: the sessions end when they see that their parent is gone, and the
        next start recovers from the log."""
        self.process.kill()
        self.process.wait()

    def stop(self):
        self.process.send_signal(signal.SIGINT)  # fast: sessions are ended
        self.process.wait(timeout=60)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        if self.process.poll() is None:
            self.stop()
        shutil.rmtree(self.dir, ignore_errors=True)


if __name__ == "__main__":  # python postgresql.py COMMAND…: Go's tests and conversations find the server
    with Postgres(*(["fsync=off"] if sys.argv[1] == "go" else [])) as server:
        os.environ.update(USHER_POSTGRES=server.url, USHER_DATABASE=server.url)
        sys.exit(subprocess.run(sys.argv[1:]).returncode)
