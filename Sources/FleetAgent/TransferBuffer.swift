/// Where bytes lie on their way between a channel and a local socket; all channels of a connection use one by turns.
final class TransferBuffer {
  /// Two of the packets that libssh2 makes. What a local socket does not take of it is kept for each channel.
  static let size = 65_400

  let bytes = UnsafeMutableRawBufferPointer.allocate(byteCount: size, alignment: 16)

  deinit { bytes.deallocate() }
}
