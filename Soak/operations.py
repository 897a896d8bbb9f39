"""What operators do meanwhile, and whether what came of it is right, or a failure that something explains."""

import dataclasses
import hashlib
import json
import os
import threading
import time
from concurrent.futures import ThreadPoolExecutor

from ledger import HOST_A
from lookout import HOST_GRACE_S
from world import BOX_SSHD_PORT

# README's exit statuses, and ssh's own.
DOCUMENTED = {0, 1, 2, 3, 4, 5, 6, 255}
# No fault makes a device unknown, a key refused or a command line wrong.
NEVER = {2, 3, 5}
_AT_ONCE = 6
_COPIED_BYTES = 1 << 20


@dataclasses.dataclass(frozen=True)
class Outcome:
    kind: str
    status: int
    took_s: float
    # What was wrong meanwhile with HostA or the device.
    around: tuple
    sentence: str


class Operations(threading.Thread):
    def __init__(self, lab, ledger, promises, planned, alone_from_s, complain):
        """From `alone_from_s` on no connection is left in the background for the next command."""
        super().__init__(daemon=True, name="operations")
        self._lab, self._ledger, self._promises, self._complain = lab, ledger, promises, complain
        self._planned, self._alone_from_s = planned, alone_from_s
        self._lock = threading.Lock()
        self.outcomes = []
        self._begun = time.monotonic()

    def run(self):
        self._begun = time.monotonic()
        with ThreadPoolExecutor(_AT_ONCE) as pool:
            for number, operation in enumerate(self._planned):
                time.sleep(max(0, self._begun + operation.at_s - time.monotonic()))
                pool.submit(self._perform, number, operation)

    def _perform(self, number, operation):
        boxes = [self._lab.boxes[box] for box in operation.boxes]
        try:
            getattr(self, "_" + operation.kind)(number, boxes)
        except Exception as error:
            self._complain(f"the operation {operation.kind} went wrong: {error!r}", [boxes[0].name])

    def command(self, kind, boxes, *words, limit_s=90):
        """Runs a command about these boxes and judges its status. Returns what it came to."""
        names = [box.name for box in boxes]
        self._ledger.touch(names)
        is_late = time.monotonic() - self._begun >= self._alone_from_s
        done = self._lab.laptop(*words, limit_s=limit_s, reuse=not is_late)
        self._ledger.touch(names)
        # That nobody watches presence disturbs nothing.
        around = tuple(kind for kind in self._ledger.around([HOST_A, *names], done.begun, done.ended, HOST_GRACE_S)
                       if kind != "run-stopped")
        lines = [line.strip() for line in done.errors.splitlines() if line.strip()]
        sentence = next((line for line in lines if line.startswith("fleet: ")), lines[-1] if lines else "")
        with self._lock:
            self.outcomes.append(Outcome(kind, done.status, done.ended - done.begun, around, sentence))
        shown = f"'{' '.join(map(str, words))}' ended with {done.status} ({', '.join(around) or 'nothing wrong'})"
        if done.status is not None and done.status not in DOCUMENTED or done.status in NEVER:
            self._complain(f"{shown}: {done.errors.strip()}", names[:1])
        elif done.status != 0 and not around:
            self._complain(f"{shown}, and nothing explains it: {done.errors.strip()}", names[:1])
        elif done.status not in (0, None) and not done.errors.strip() and not done.output.strip():
            self._complain(f"{shown} without a word", names[:1])
        return done

    def _check(self, done, is_right, what, box):
        if done.status == 0 and not is_right:
            self._complain(f"{what}: {done.output[:200]!r}", [box.name])

    def _ssh(self, number, boxes):
        box = boxes[0]
        done = self.command("ssh", boxes, "fleet", "ssh", box.name, "printenv", "BOX")
        self._check(done, done.output == box.name + "\n", f"fleet ssh {box.name} reached another box", box)

    def _exec(self, number, boxes):
        names = [box.name for box in boxes]
        done = self.command("exec", boxes, "fleet", "exec", *names, "--json", "--timeout", "40s", "--",
                            "printenv", "BOX")
        results = {result["name"]: result for result in map(json.loads, done.output.splitlines())}
        self._check(done, all(name in results and results[name]["stdout"] == name + "\n" for name in names),
                    "fleet exec did not reach every box", boxes[0])

    def _copy(self, number, boxes):
        """There and back. Laptop and boxes see one disk here."""
        box = boxes[0]
        content = os.urandom(_COPIED_BYTES)
        source, there, back = (self._lab.home / f"copy-{number}.{end}" for end in ("source", "there", "back"))
        source.write_bytes(content)
        source.chmod(0o644)
        for words, file in (((source, f"{box.name}:{there}"), there), ((f"{box.name}:{there}", back), back)):
            done = self.command("cp of 1 MiB", boxes, "fleet", "cp", *words)
            if done.status != 0:
                break
            is_whole = hashlib.sha256(file.read_bytes()).digest() == hashlib.sha256(content).digest()
            self._check(done, is_whole, "fleet cp changed the file", box)
        for file in (source, there, back):
            file.unlink(missing_ok=True)

    def _rekey(self, number, boxes):
        """The device's connection is ended for it, so it is asked whether it is back."""
        troubles = self._ledger.begin("rekey", [boxes[0].name])
        try:
            self.command("rekey", boxes, "fleet", "rekey", boxes[0].name)
        finally:
            self._ledger.end(troubles)

    def _visit(self, number, boxes):
        """A further device on one of the boxes: provisioned, online, reached, renamed, reached, removed."""
        box, name, renamed = boxes[0], f"visitor-{number}", f"guest-{number}"
        bundle = self._lab.home / f"{name}.tar"
        agent = None
        self._promises.is_open(name)
        try:
            done = self.command("provision", boxes, "fleet", "provision", name, "--user", self._lab.name,
                                "--bundle", bundle, "--sshd-port", BOX_SSHD_PORT)
            if done.status != 0:
                return
            self._promises.is_there(name)
            self._lab.run(self._lab.net.laptop, "tar", "-xf", bundle, "-C", self._lab.home)
            configuration = self._lab.home / f"fleet-agent-{name}" / "agent.json"
            agent = box.run_agent(configuration, f"{name}.log")
            if self.command("wait", boxes, "fleet", "wait", name, "--timeout", "60s").status == 0:
                self._reach(name, box)
            self._promises.is_open(name)
            self._promises.is_open(renamed)
            if self.command("rename", boxes, "fleet", "rename", name, renamed).status == 0:
                self._promises.is_gone(name)
                self._promises.is_there(renamed)
                self._reach(renamed, box)
                self._promises.is_open(renamed)
                if self.command("remove", boxes, "fleet", "remove", "--yes", renamed).status == 0:
                    self._promises.is_gone(renamed)
        finally:
            if agent:
                agent.terminate()
                agent.wait(30)
            bundle.unlink(missing_ok=True)
            self._lab.run(self._lab.net.laptop, "rm", "-rf", f"fleet-agent-{name}")

    def _reach(self, name, box):
        done = self.command("ssh", [box], "fleet", "ssh", name, "printenv", "BOX")
        self._check(done, done.output == box.name + "\n", f"fleet ssh {name} reached another box", box)
