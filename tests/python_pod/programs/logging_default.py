import logging
logging.warning("careful")
logging.basicConfig(filename="log.txt", level=logging.INFO)
logging.info("x")
logging.getLogger("a.b").error("on stderr? %s", 1)
