import CLinux
import FleetProtocol
import Glibc

/// Passes bytes between an operator (two descriptors) and a device (one socket), until either side ends.
struct Bridge {
  /// From whom and to whom; both may be the same descriptor.
  let input: Int32
  let output: Int32
  let device: Int32
  /// A signalfd: readable once the process was asked to end.
  let signals: Int32

  private(set) var bytesToDevice: Int64 = 0
  private(set) var bytesFromDevice: Int64 = 0
  private var toDevice = ByteQueue()
  private var toOperator = ByteQueue()
  private var inputEnded = false
  private var inputEndPassedOn = false
  private var deviceEnded = false

  init(input: Int32, output: Int32, device: Int32, signals: Int32) {
    self.input = input
    self.output = output
    self.device = device
    self.signals = signals
    for descriptor in [input, output, device] {
      _ = fcntl(descriptor, F_SETFL, fcntl(descriptor, F_GETFL) | O_NONBLOCK)
    }
  }

  /// The operator's end of input is passed on, and what the device still says is delivered. The bridge ends once the
  /// device has ended and all it said is delivered, when either side breaks, or when a signal asks for it.
  mutating func run() {
    while !(deviceEnded && toOperator.isEmpty) {
      var events = [
        pollfd(fd: !inputEnded && toDevice.hasRoom ? input : -1, events: Int16(POLLIN), revents: 0),
        // Without events it still tells when the reader is gone.
        pollfd(fd: output, events: toOperator.isEmpty ? 0 : Int16(POLLOUT), revents: 0),
        // Left out while nothing is wanted of it: a device that hung up would be reported again and again.
        pollfd(fd: deviceEvents == 0 ? -1 : device, events: deviceEvents, revents: 0),
        pollfd(fd: signals, events: Int16(POLLIN), revents: 0),
      ]
      if poll(&events, nfds_t(events.count), -1) < 0 {
        if errno == EINTR { continue }
        return
      }
      if events[3].revents != 0 { return }
      if events[0].revents != 0, !receiveFromOperator() { return }
      if events[2].revents != 0, !exchangeWithDevice() { return }
      if !toOperator.isEmpty, !sendToOperator() { return }
      if events[1].revents & Int16(POLLERR | POLLHUP | POLLNVAL) != 0 { return }
      if inputEnded, toDevice.isEmpty, !inputEndPassedOn {
        shutdown(device, Int32(SHUT_WR))
        inputEndPassedOn = true
      }
    }
  }

  private var deviceEvents: Int16 {
    (!deviceEnded && toOperator.hasRoom ? Int16(POLLIN) : 0) | (toDevice.isEmpty ? 0 : Int16(POLLOUT))
  }

  private mutating func receiveFromOperator() -> Bool {
    let input = input
    let count = toDevice.fill { read(input, $0.baseAddress, $0.count) }
    if count == 0 { inputEnded = true }
    return count >= 0 || Self.isTemporary
  }

  private mutating func exchangeWithDevice() -> Bool {
    let device = device
    if !deviceEnded, toOperator.hasRoom {
      let count = toOperator.fill { recv(device, $0.baseAddress, $0.count, 0) }
      if count == 0 { deviceEnded = true }
      if count < 0 && !Self.isTemporary { deviceEnded = true }
      if count > 0 { bytesFromDevice += Int64(count) }
    }
    if !toDevice.isEmpty {
      let count = toDevice.drain { send(device, $0.baseAddress, $0.count, Int32(MSG_NOSIGNAL)) }
      if count < 0 && !Self.isTemporary { return false }
      if count > 0 { bytesToDevice += Int64(count) }
    }
    return true
  }

  private mutating func sendToOperator() -> Bool {
    let output = output
    let count = toOperator.drain { write(output, $0.baseAddress, $0.count) }
    return count >= 0 || Self.isTemporary
  }

  private static var isTemporary: Bool { errno == EAGAIN || errno == EINTR }
}
