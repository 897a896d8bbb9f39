import CDescriptorPassing
import FleetProtocol
import Foundation
import TestProcesses
import Testing

@testable import fleet

/// Passing open descriptors, and reading a header without touching what follows it.
@Suite struct DescriptorTests {
  private func socketPair() throws -> (Descriptor, Descriptor) {
    var ends: [Int32] = [-1, -1]
    try #require(socketpair(AF_UNIX, Platform.socketStream, 0, &ends) == 0)
    return (Descriptor(ends[0]), Descriptor(ends[1]))
  }

  /// Writes from another thread, and ends the stream.
  private func write(_ chunks: [[UInt8]], to target: Descriptor) {
    let number = dup(target.number)
    target.close()
    Thread.detachNewThread {
      let target = Descriptor(number)
      for chunk in chunks { try? target.write(chunk) }
      target.close()
    }
  }

  @Test func aDescriptorCrossesASocket() throws {
    try Scratch.with { folder in
      let (near, far) = try socketPair()
      let file = try Descriptor.open("\(folder)/file", O_RDWR | O_CREAT)
      #expect(descriptor_passing_send(near.number, file.number) == 0)
      file.close()
      let received = Descriptor(descriptor_passing_receive(far.number))
      #expect(received.isOpen && fcntl(received.number, F_GETFD) & FD_CLOEXEC != 0)
      try received.write("through".utf8)
      #expect(try FileStore.content(of: "\(folder)/file") == Array("through".utf8))
      #expect(descriptor_passing_peer_uid(near.number) == Int(geteuid()))
    }
  }

  @Test func bytesWithoutADescriptorAreRefused() throws {
    let (near, far) = try socketPair()
    try near.write([0])
    #expect(descriptor_passing_receive(far.number) == -1)
    near.close()
    #expect(descriptor_passing_receive(far.number) == -1)
    #expect(descriptor_passing_peer_uid(-1) == -1)
  }

  @Test func theHeaderIsReadAndNotAByteMore() throws {
    let (near, far) = try socketPair()
    try far.write("{\"v\":1}\nSSH-2.0-x\r\n".utf8)
    #expect(try DeviceConnection.headerLine(near) == Array("{\"v\":1}".utf8))
    far.close()
    #expect(near.readToEnd() == Array("SSH-2.0-x\r\n".utf8))
  }

  @Test func aHeaderMayComeInPieces() throws {
    let (near, far) = try socketPair()
    let long = [UInt8](repeating: 0x61, count: 20_000)
    write([Array(long[..<7]), Array(long[7...]), Array("\nrest".utf8)], to: far)
    #expect(try DeviceConnection.headerLine(near) == long)
    #expect(near.readToEnd() == Array("rest".utf8))
  }

  @Test func aHeaderThatDoesNotComeOrDoesNotEnd() throws {
    let (near, far) = try socketPair()
    try far.write("no newline".utf8)
    far.close()
    #expect(try DeviceConnection.headerLine(near) == nil)
    let (second, endless) = try socketPair()
    write(Array(repeating: [UInt8](repeating: 0x61, count: 4096), count: 12), to: endless)
    #expect(throws: Refusal.self) { try DeviceConnection.headerLine(second) }
    _ = second.readToEnd()
  }

  /// The real holder process, as `fleet ssh` starts it, and a stand-in for ssh that adopts.
  @Test func aHolderGivesTheConnectionAwayOnceAndTidiesUp() throws {
    let (near, far) = try socketPair()
    let path = try DescriptorHandover.offer(near, program: Built.fleet)
    near.close()
    let (ours, theirs) = try socketPair()
    let null = try Descriptor.open("/dev/null", O_RDWR)
    let adopter = try Subprocess.spawn([Built.fleet, "proxy", "--adopt", path], [0: null, 1: theirs, 2: null])
    theirs.close()
    let connection = Descriptor(descriptor_passing_receive(ours.number))
    #expect(connection.isOpen && Subprocess.wait(for: adopter) == 0)
    try connection.write("hello".utf8)
    connection.close()
    #expect(far.readToEnd() == Array("hello".utf8))
    let folder = path.dropLast(2)
    try eventually("the private folder is gone") { !FileStore.exists(String(folder)) }
    let late = try Subprocess.run([Built.fleet, "proxy", "--adopt", path])
    #expect(late.status == 1 && late.errorText.hasPrefix("fleet: cannot take over"))
  }
}

/// The programs that this test run has built.
enum Built {
  static var fleet: String { folder + "/fleet" }

  private static var folder: String {
    let program = Platform.executablePath ?? CommandLine.arguments[0]
    return program.lastIndex(of: "/").map { String(program[..<$0]) } ?? "."
  }
}

/// Waits for a condition, and fails when it does not come true in time.
func eventually(_ what: Comment, within limit_s: Double = 10, _ condition: () throws -> Bool) throws {
  var patience = Patience(.seconds(limit_s))
  while try !condition() {
    let goesOn = patience.wait()
    try #require(goesOn, what)
  }
}
