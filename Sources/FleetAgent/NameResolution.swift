import FleetSSH
import Glibc

/// One look-up of a host name in a thread of its own, because getaddrinfo(3) blocks; the pipe becomes readable when it is done.
final class NameResolution {
  /// Readable when the look-up is done.
  let descriptor: CInt
  private let answer: Unmanaged<Answer>

  /// What thread and loop share. The thread writes it before it closes its end of the pipe, the loop reads it after.
  private final class Answer: @unchecked Sendable {
    let name: String
    let port: UInt16
    let descriptor: CInt
    var addresses: [SocketAddress] = []
    var failure = "no answer"

    init(name: String, port: UInt16, descriptor: CInt) {
      self.name = name
      self.port = port
      self.descriptor = descriptor
    }
  }

  init(name: String, port: UInt16) {
    let pipe = WakePipe()
    descriptor = pipe.readEnd
    answer = .passRetained(Answer(name: name, port: port, descriptor: pipe.writeEnd))
    let argument = answer.retain().toOpaque()
    if !Self.startThread(argument) { _ = NameResolution.lookUp(argument) }
  }

  deinit {
    close(descriptor)
    answer.release()
  }

  /// The addresses, none while the look-up is under way. Throws why there are none.
  func addresses() throws(LinkFailure) -> [SocketAddress] {
    var byte: UInt8 = 0
    guard read(descriptor, &byte, 1) >= 0 else { return [] }
    let answer = answer.takeUnretainedValue()
    guard !answer.addresses.isEmpty else { throw .unresolved(answer.failure) }
    return answer.addresses
  }

  private static func startThread(_ argument: UnsafeMutableRawPointer) -> Bool {
    // Its Swift initialiser belongs to whichever C module of this target was read first, so it is not used.
    withUnsafeTemporaryAllocation(of: pthread_attr_t.self, capacity: 1) { buffer in
      let attributes = buffer.baseAddress!
      pthread_attr_init(attributes)
      pthread_attr_setdetachstate(attributes, CInt(PTHREAD_CREATE_DETACHED))
      pthread_attr_setstacksize(attributes, 256 * 1024)
      var thread = pthread_t()
      let status = pthread_create(&thread, attributes, { NameResolution.lookUp($0) }, argument)
      pthread_attr_destroy(attributes)
      return status == 0
    }
  }

  private static func lookUp(_ argument: UnsafeMutableRawPointer?) -> UnsafeMutableRawPointer? {
    guard let argument else { return nil }
    let answer = Unmanaged<Answer>.fromOpaque(argument).takeRetainedValue()
    var hints = addrinfo()
    hints.ai_socktype = CInt(SOCK_STREAM.rawValue)
    hints.ai_flags = AI_NUMERICSERV | AI_ADDRCONFIG
    var list: UnsafeMutablePointer<addrinfo>?
    var status = getaddrinfo(answer.name, String(answer.port), &hints, &list)
    if status != 0 {
      // AI_ADDRCONFIG counts no loopback address: a machine without any other still reaches 127.0.0.1.
      hints.ai_flags = AI_NUMERICSERV
      status = getaddrinfo(answer.name, String(answer.port), &hints, &list)
    }
    if status == 0 {
      var next = list
      while let entry = next {
        answer.addresses.append(SocketAddress(entry.pointee.ai_addr, length: entry.pointee.ai_addrlen))
        next = entry.pointee.ai_next
      }
      freeaddrinfo(list)
    } else {
      answer.failure = String(cString: gai_strerror(status))
    }
    close(answer.descriptor)
    return nil
  }
}
