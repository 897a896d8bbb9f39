/// What happens when, the soonest first; of two at the same time the one that was added first.
struct TimeQueue<Element> {
  private var heap: [(time: Int, order: Int, element: Element)] = []
  private var added = 0

  mutating func add(_ element: Element, at time: Int) {
    heap.append((time, added, element))
    added += 1
    var index = heap.count - 1
    while index > 0, isBefore(index, (index - 1) / 2) {
      heap.swapAt(index, (index - 1) / 2)
      index = (index - 1) / 2
    }
  }

  mutating func next() -> (time: Int, element: Element)? {
    guard !heap.isEmpty else { return nil }
    heap.swapAt(0, heap.count - 1)
    let first = heap.removeLast()
    var index = 0
    while true {
      var least = index
      for child in [2 * index + 1, 2 * index + 2] where child < heap.count && isBefore(child, least) { least = child }
      if least == index { break }
      heap.swapAt(index, least)
      index = least
    }
    return (first.time, first.element)
  }

  private func isBefore(_ left: Int, _ right: Int) -> Bool {
    (heap[left].time, heap[left].order) < (heap[right].time, heap[right].order)
  }
}
