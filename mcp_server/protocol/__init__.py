"""The Model Context Protocol: its requests, the SDK that carries them, stdin and stdout, and clients."""
