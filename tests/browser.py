"""A headless Chromium, where there is one, that opens a page of ours and tells what happened."""

from __future__ import annotations

import json
import os
import re
import shutil
import subprocess
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable", "chrome")

FLAGS = [
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--disable-extensions",
    "--hide-scrollbars",
    "--enable-logging=stderr",
    "--v=0",
    "--virtual-time-budget=4000",
]

NOBODY = "--host-resolver-rules=MAP * ~NOTFOUND , EXCLUDE 127.0.0.1"
"""The browser asks its makers for updates, whatever it is told: no name is found, so that nobody hears of it."""

RESULT = re.compile(r'<pre id="result">(.*?)</pre>', re.S)


def find() -> str | None:
    """The browser: VINOC_BROWSER, or one of the usual names."""
    return os.environ.get("VINOC_BROWSER") or next(filter(None, map(shutil.which, NAMES)), None)


@dataclass
class Visit:
    """What happened: lines on the console, addresses that the page asked for, what our server was asked for, the page
    as it was in the end, and what a script at its end found."""

    console: list[str]
    asked: list[str]
    served: list[str] = field(default_factory=list)
    dom: str = ""

    @property
    def result(self) -> Any:
        found = RESULT.search(self.dom)
        assert found, f"the script did not end: {self.console}"
        return json.loads(found[1].replace("&lt;", "<").replace("&gt;", ">").replace("&amp;", "&"))


def visit(page: str, folder: Path, script: str = "", window: str = "1280,1000", shot: Path | None = None) -> Visit:
    """Opens a page from a server on this machine. `script` is run in it and returns what `result` has then."""
    if script:
        done = "document.body.append(Object.assign(document.createElement('pre'), {id: 'result', textContent: "
        run = f"<script>{done}JSON.stringify((() => {{ {script} }})())}}))</script>"
        page = page.replace("</body>", run + "</body>")
    log = folder / "net.json"
    with served(page) as (address, served_paths):
        output = ["--dump-dom"] if shot is None else [f"--screenshot={shot}"]
        command = [find() or "", *FLAGS, NOBODY, f"--user-data-dir={folder / 'profile'}", f"--log-net-log={log}"]
        command += [f"--window-size={window}", *output, address]
        ended = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert ended.returncode == 0, ended.stderr
    console = [line for line in ended.stderr.splitlines() if ":CONSOLE:" in line]
    return Visit(console, [u for u in asked(log) if u != address], served_paths, ended.stdout)


@contextmanager
def served(page: str) -> Iterator[tuple[str, list[str]]]:
    """A server of one page, and the paths that it is asked for."""
    paths: list[str] = []

    class Handler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            paths.append(self.path)
            self.send_response(200 if self.path == "/page.html" else 404)
            self.send_header("Content-Type", "text/html; charset=utf-8")
            self.end_headers()
            if self.path == "/page.html":
                self.wfile.write(page.encode())

        def log_message(self, *arguments: Any) -> None:
            """Nothing: tests print nothing."""

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_address[1]}/page.html", paths
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def asked(log: Path) -> list[str]:
    """The addresses in a net log that a page asked for; what the browser itself wants comes from no origin."""
    text = log.read_text()
    try:
        data = json.loads(text)
    except ValueError:  # the browser ended before it closed the list
        data = json.loads(text.rstrip().rstrip(",") + "]}")
    start = data["constants"]["logEventTypes"]["URL_REQUEST_START_JOB"]
    begun = [e["params"] for e in data["events"] if e["type"] == start and "params" in e]
    return [p["url"] for p in begun if "url" in p and p.get("initiator") != "not an origin"]
