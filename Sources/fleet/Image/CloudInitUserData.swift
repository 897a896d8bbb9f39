import FleetProtocol

/// Extends cloud-init's user-data by a script, without a change to what stands there already: both become parts of one
/// MIME message, which is how cloud-init takes user-data of more than one kind.
enum CloudInitUserData {
  private static let boundary = "==fleet-agent-first-boot=="
  private static let preamble = """
    Content-Type: multipart/mixed; boundary="\(boundary)"
    MIME-Version: 1.0


    """
  private static let scriptHead = """
    --\(boundary)
    Content-Type: text/x-shellscript; charset="us-ascii"


    """
  private static let end = "\n--\(boundary)--\n"

  /// How cloud-init tells the kinds apart by their first words, the longer ones first.
  private static let kinds = [
    ("#cloud-config-archive", "text/cloud-config-archive"), ("#cloud-config", "text/cloud-config"),
    ("#cloud-boothook", "text/cloud-boothook"), ("#include-once", "text/x-include-once-url"),
    ("#include", "text/x-include-url"), ("#part-handler", "text/part-handler"),
    ("## template: jinja", "text/jinja2"), ("#!", "text/x-shellscript"),
  ]

  /// The same user-data with the script, which is plain ASCII, as its last part. Doing it again changes nothing. Throws
  /// `step-failed` for what cannot be extended.
  static func extended(_ present: [UInt8], script: [UInt8]) throws(Refusal) -> [UInt8] {
    guard !present.starts(with: [0x1F, 0x8B]) else { throw refusal("is compressed", "put it there uncompressed") }
    guard let text = String(validating: present, as: UTF8.self) else {
      throw refusal("is not text", "see what cloud-init makes of it")
    }
    let ours = scriptHead + String(decoding: script, as: UTF8.self) + end
    let first = text.drop(while: \.isWhitespace)
    if text.hasPrefix(preamble) {
      // Ours already: the part with the script is the last one.
      guard let range = text.ranges(of: scriptHead).last else {
        throw refusal("was changed since fleet extended it", "take the part with the script out by hand")
      }
      return Array((text[..<range.lowerBound] + ours).utf8)
    }
    guard !text.contains(boundary) else {
      throw refusal("was changed since fleet extended it", "take the part with the script out by hand")
    }
    if first.isEmpty { return Array((preamble + ours).utf8) }
    let lower = first.prefix(40).lowercased()
    if lower.hasPrefix("content-type:") || lower.hasPrefix("mime-version:") {
      // A message of parts may itself be a part; cloud-init walks through both.
      return Array((preamble + "--\(boundary)\n" + first + "\n" + ours).utf8)
    }
    guard let (_, type) = kinds.first(where: { first.hasPrefix($0.0) }) else {
      let line = first.prefix { !$0.isNewline }
      throw refusal(
        "begins with '\(DisplayText.escaped(line, limit: 40))', which is no form of cloud-init's",
        "give it the first line '#cloud-config', or mount the root file system instead")
    }
    var part = "--\(boundary)\nContent-Type: \(type); charset=\"utf-8\"\n"
    if present.allSatisfy({ $0 < 0x80 }) {
      part += "\n\(text)\n"
    } else {
      // Other bytes than ASCII do not pass the mail parser that cloud-init uses.
      part += "Content-Transfer-Encoding: base64\n\n" + lines(Base64.encode(present)) + "\n"
    }
    return Array((preamble + part + ours).utf8)
  }

  private static func lines(_ text: String) -> String {
    var lines = ""
    var rest = text[...]
    while !rest.isEmpty {
      lines += rest.prefix(76) + "\n"
      rest = rest.dropFirst(76)
    }
    return lines
  }

  private static func refusal(_ what: String, _ hint: String) -> Refusal {
    Refusal(.stepFailed, "the image's user-data \(what), so it cannot be extended safely", hint: hint)
  }
}
