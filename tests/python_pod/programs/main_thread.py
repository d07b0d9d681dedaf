import threading
t = threading.main_thread()
print(t.name, t.is_alive(), t is threading.current_thread(), t.native_id == threading.get_native_id(),
      t.ident == threading.get_ident(), threading.active_count())
