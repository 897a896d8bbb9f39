import FleetProtocol

/// A private key's file, and whether ssh can use it.
struct KeyFacts: Hashable {
  enum State: Hashable {
    case usable
    /// It has a passphrase.
    case locked
    /// Others may read it, so ssh does not use it.
    case unprotected
    case unreadable
    case missing
    case malformed
    /// Only the public half, for a key that an agent holds.
    case publicHalf
  }

  let file: String
  let state: State
  let fingerprint: String?
  let isInAgent: Bool

  /// From what `ssh-keygen -y` with an empty passphrase said of the file, and `ssh-keygen -l` of its public half.
  init(file: String, exists: Bool, status: Int32, errorText: String, listing: String, agent: Set<String>) {
    self.file = file
    fingerprint = Self.fingerprints(in: listing).first
    isInAgent = fingerprint.map(agent.contains) ?? false
    let text = errorText.lowercased()
    state =
      if !exists { .missing } else if file.hasSuffix(".pub") { .publicHalf } else if status == 0 {
        .usable
      } else if text.contains("incorrect passphrase") { .locked } else if text.contains("bad permissions") {
        .unprotected
      } else if text.contains("permission denied") { .unreadable } else { .malformed }
  }

  /// The fingerprints in what `ssh-keygen -l` or `ssh-add -l` print.
  static func fingerprints(in listing: String) -> [String] {
    listing.split { $0.isWhitespace }.map(String.init).filter(HostKeyScan.isFingerprint)
  }

  /// Whether ssh gets past it without asking anybody.
  var canBeOffered: Bool { state == .usable || isInAgent && state != .missing }

  /// `SHA256:... (/home/anna/.ssh/id_ed25519)`.
  var description: String { (fingerprint.map { "\($0) " } ?? "") + "(\(DisplayText.escaped(file)))" }

  /// Why ssh cannot use it, and what to do; `nil` where it can.
  var complaint: Refusal? {
    if canBeOffered { return nil }
    let shown = DisplayText.escaped(file)
    let word = ShellWord.quoted(shown)
    let (what, hint): (String, String)
    switch state {
    case .usable: return nil
    case .locked:
      (what, hint) = (
        "the private key \(shown) has a passphrase, and no ssh-agent holds it", "run 'ssh-add \(shown)' first"
      )
    case .unprotected:
      (what, hint) = ("the private key \(shown) can be read by others, so ssh does not use it", "chmod 600 \(word)")
    case .unreadable: (what, hint) = ("the private key \(shown) cannot be read", "see who owns it: ls -l \(word)")
    case .missing:
      (what, hint) = (
        "the private key \(shown) is not there any more", "bring it back, or choose another by 'fleet login --identity'"
      )
    case .malformed:
      (what, hint) = ("\(shown) is not a private key that ssh can read", "choose another by 'fleet login --identity'")
    case .publicHalf:
      (what, hint) = ("\(shown) is a public key whose private half no ssh-agent holds", "ssh-add that, and try again")
    }
    return Refusal(.keyUnusable, what, hint: hint)
  }
}

/// The keys with which this laptop can show HostA who it is.
struct LaptopKeys: Hashable {
  /// The one that `fleet login --identity` named, or those that ssh takes by itself.
  let files: [KeyFacts]
  /// Whether ssh is held to `files`.
  let isChosen: Bool
  /// The fingerprints of what ssh-agent holds; `nil` where there is no agent.
  let agent: [String]?

  /// What ssh can show, in words.
  var offered: [String] {
    let files = files.filter(\.canBeOffered)
    let known = Set(files.compactMap(\.fingerprint))
    let others = isChosen ? [] : (agent ?? []).filter { !known.contains($0) }
    return files.map(\.description) + others.map { "\($0) (ssh-agent)" }
  }

  /// Why there is nothing that ssh could show; `nil` where there is.
  var unusable: Refusal? {
    if !offered.isEmpty { return nil }
    return files.lazy.compactMap(\.complaint).first
      ?? Refusal(
        .keyUnusable, "this laptop has no key: none in ~/.ssh, and none in an ssh-agent",
        hint: "make one by 'ssh-keygen -t ed25519'; HostA's administrator adds it by 'fleet-server operator add'")
  }
}
