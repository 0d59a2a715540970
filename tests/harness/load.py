"""Adds and counts while something else happens."""

import threading
import time

from orders import LAST_ORDER, an_order

PAUSE = 0.02  # between two runs of one thread, so that the servers and what happens to them get their time too


class Load:
    """Programs that add and count all the time, whose every answer is held against what was true meanwhile, or `lag` seconds
    before."""

    def __init__(self, ordercache, writers=1, readers=2, lag=0):
        self.wrong = []
        self.statuses = []
        self._ordercache = ordercache
        self._adds_begun = 0
        self._adds_done = []  # when
        self._lag = lag
        self._lock = threading.Lock()
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._add) for _ in range(writers)]
        self._threads += [threading.Thread(target=self._count) for _ in range(readers)]

    def __enter__(self):
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_):
        self._over.set()
        for thread in self._threads:
            thread.join()

    def _add(self):
        while not self._over.wait(PAUSE):
            with self._lock:
                self._adds_begun += 1
            status = self._ordercache(*an_order()).status
            with self._lock:
                self.statuses.append(status)
                if status == 0:
                    self._adds_done.append(time.monotonic())

    def _count(self):
        while not self._over.wait(PAUSE):
            earlier = time.monotonic() - self._lag
            least = LAST_ORDER + sum(done <= earlier for done in self._adds_done)
            run = self._ordercache("count")
            if run.status != 0 or not least <= int(run.stdout) <= LAST_ORDER + self._adds_begun:
                self.wrong.append((least, run))
