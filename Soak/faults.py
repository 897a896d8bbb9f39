"""How each kind of fault is made, and undone."""

import contextlib
import os
import signal
import threading
import time

from ledger import HOST_A
from plan import KINDS

# Each takes the lab and the fault, does it, yields while it lasts, and undoes it.


def _restart(lab, fault):
    lab.stop_server()
    yield
    lab.start_server()


def _run_killed(lab, fault):
    lab.kill_server()
    yield
    lab.start_server()


def _run_stopped(lab, fault):
    yield from _stopped([lab.server.pid])


def _sshd_killed(lab, fault):
    """`run` starts another one: later and later, up to half a minute, where that happens again and again."""
    _signal(filter(None, [lab.listener]), signal.SIGKILL)
    yield
    lab.wait_for("another sshd of HostA's", lambda: lab.listener is not None, 60)


def _registry_locked(lab, fault):
    holder = lab.lock_registry()
    yield
    lab.unlock_registry(holder)


def _disk_full(lab, fault):
    lab.fill_disk()
    yield
    lab.empty_disk()


def _nat_forgotten(lab, fault):
    _site(lab, fault).router.forget_translations()
    yield


def _new_address(lab, fault):
    _site(lab, fault).change_address()
    yield


def _black_hole(lab, fault):
    _site(lab, fault).router.open_black_hole()
    yield
    _site(lab, fault).router.close_black_hole()


def _loss(lab, fault):
    _site(lab, fault).begin_losing(fault.percent)
    yield
    _site(lab, fault).stop_losing()


def _slow_line(lab, fault):
    lab.net.lengthen_line()
    yield
    lab.net.shorten_line()


def _link_down(lab, fault):
    namespace = lab.boxes[fault.target].namespace
    lab.net.unplug(namespace)
    yield
    lab.net.plug_in(namespace)


def _agent_killed(lab, fault):
    lab.boxes[fault.target].kill_agent()
    yield
    lab.boxes[fault.target].start_agent()


def _agent_stopped(lab, fault):
    yield from _stopped([lab.boxes[fault.target].agent.pid])


def _session_killed(lab, fault):
    _signal(lab.sessions(lab.boxes[fault.target]), signal.SIGKILL)
    yield


def _session_stopped(lab, fault):
    yield from _stopped(lab.sessions(lab.boxes[fault.target]))


def _box_sshd_down(lab, fault):
    lab.boxes[fault.target].stop_sshd()
    yield
    lab.boxes[fault.target].start_sshd()


def _site(lab, fault):
    return lab.net.sites[fault.target]


def _stopped(pids):
    _signal(pids, signal.SIGSTOP)
    yield
    _signal(pids, signal.SIGCONT)


def _signal(pids, number):
    for pid in pids:
        with contextlib.suppress(ProcessLookupError):
            os.kill(pid, number)


_ACTS = {kind: globals()["_" + kind.replace("-", "_")] for kind in KINDS}


class Faults(threading.Thread):
    """Makes the planned faults at their times, each in a thread of its own."""

    def __init__(self, lab, ledger, planned, complain):
        super().__init__(daemon=True, name="faults")
        self._lab, self._ledger, self._planned, self._complain = lab, ledger, planned, complain
        self._lasting = []

    def run(self):
        begun = time.monotonic()
        for fault in self._planned:
            time.sleep(max(0, begun + fault.at_s - time.monotonic()))
            thread = threading.Thread(target=self._make, args=(fault,), daemon=True)
            thread.start()
            self._lasting.append(thread)
        for thread in self._lasting:
            thread.join()

    def _make(self, fault):
        kind = KINDS[fault.kind]
        asked = [self._lab.boxes[number].name for number in fault.asked]
        troubles = self._ledger.begin(fault.kind, asked + ([HOST_A] if kind.scope == "HostA" else []))
        try:
            act = _ACTS[fault.kind](self._lab, fault)
            next(act)
            if kind.silences:
                self._ledger.silence(troubles)
            time.sleep(fault.lasts_s)
            next(act, None)
        except Exception as error:
            self._complain(f"the fault {fault.kind} could not be made: {error!r}", asked[:1])
        finally:
            self._ledger.end(troubles)
