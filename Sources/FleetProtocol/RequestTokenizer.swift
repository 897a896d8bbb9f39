/// Splits what a client asked for into words, without a shell and without quoting.
public enum RequestTokenizer {
  /// Words of `A-Za-z0-9` and `._:/@+=,-`, separated by single spaces; a first word `fleet-server` is dropped, so
  /// that an operator with a plain shell account types the same requests.
  ///
  /// Throws `request-malformed`.
  public static func words(of request: String) throws(Refusal) -> [String] {
    let bytes = Array(request.utf8)
    guard bytes.count <= Limits.request, bytes.allSatisfy({ $0 == 0x20 || isWordByte($0) }) else {
      throw malformed(request)
    }
    var words = request.split(separator: " ", omittingEmptySubsequences: false).map(String.init)
    if words.first == "fleet-server" { words.removeFirst() }
    guard !words.isEmpty, words.count <= Limits.requestWords, words.allSatisfy({ !$0.isEmpty }) else {
      throw malformed(request)
    }
    return words
  }

  private static func malformed(_ request: String) -> Refusal {
    Refusal(
      .requestMalformed, "the request '\(DisplayText.escaped(request, limit: 60))' is not understood",
      hint: "use the fleet command, or one of the requests of PROTOCOL.md")
  }

  private static func isWordByte(_ byte: UInt8) -> Bool {
    switch byte {
    case UInt8(ascii: "a")...UInt8(ascii: "z"), UInt8(ascii: "A")...UInt8(ascii: "Z"),
      UInt8(ascii: "0")...UInt8(ascii: "9"):
      true
    default: "._:/@+=,-".utf8.contains(byte)
    }
  }
}
