#!/usr/bin/env node
'use strict';
try { undefinedVariable = 1; } catch (e) { console.log(e.message, e.stack); }
