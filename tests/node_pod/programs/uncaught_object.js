throw { code: 7, text: 'not an error' };
