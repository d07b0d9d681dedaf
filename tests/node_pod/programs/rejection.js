Promise.reject(new RangeError('nobody listens'));
