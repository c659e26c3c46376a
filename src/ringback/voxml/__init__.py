"""VoXML: documents that say what happens on a call, read, checked and run. Pure."""
