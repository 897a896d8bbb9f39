import FleetProtocol
import Glibc

/// Writes to open descriptors.
enum FileWriting {
  /// Writes all of it, in as many steps as the kernel wants. Throws `io-failed` with the sentence.
  static func write(_ bytes: ArraySlice<UInt8>, to descriptor: Int32, sentence: @autoclosure () -> String)
    throws(Refusal)
  {
    var rest = bytes
    while !rest.isEmpty {
      let count = rest.withUnsafeBytes { Glibc.write(descriptor, $0.baseAddress, $0.count) }
      if count < 0, errno == EINTR { continue }
      guard count >= 0 else { throw .systemCall(sentence()) }
      rest = rest.dropFirst(count)
    }
  }
}
