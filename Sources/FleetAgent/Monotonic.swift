/// A moment that only goes forward, whatever happens to the clock on the wall, and goes on while the machine sleeps.
typealias Monotonic = ContinuousClock.Instant
