import logging
import logging.handlers
handler = logging.handlers.MemoryHandler(100, target=logging.StreamHandler())
logging.getLogger().addHandler(handler)
logging.getLogger().warning("flushed at the end")
