/// A shell pattern of `*` and `?`, for a whole text; every other character stands for itself.
public struct GlobPattern: Hashable, Sendable {
  private let pattern: [Unicode.Scalar]

  public init(_ text: String) { pattern = Array(text.unicodeScalars) }

  /// Whether it fits one text only.
  public var isPlain: Bool { !pattern.contains { $0 == "*" || $0 == "?" } }

  /// Takes at most the product of both lengths in steps, whatever the pattern.
  public func matches(_ text: String) -> Bool {
    let text = text.unicodeScalars
    var at = 0
    var position = text.startIndex
    // Where to go on when what follows the last `*` does not fit: the star, and the text that it does not yet cover.
    var retry: (star: Int, position: String.Index)?
    while position < text.endIndex {
      if at < pattern.count, pattern[at] == "*" {
        retry = (at, position)
        at += 1
      } else if at < pattern.count, pattern[at] == "?" || pattern[at] == text[position] {
        at += 1
        position = text.index(after: position)
      } else if let last = retry {
        position = text.index(after: last.position)
        retry = (last.star, position)
        at = last.star + 1
      } else {
        return false
      }
    }
    return pattern[at...].allSatisfy { $0 == "*" }
  }
}
