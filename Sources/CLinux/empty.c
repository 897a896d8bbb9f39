// A C target needs one source file; this module is its header alone.
